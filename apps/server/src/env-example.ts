import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayConfig } from '@kelid/gateway/config';
import { HostConfig } from '@kelid/service/host-config';
import { z } from 'zod';
import { allServices } from './services.ts';

const root = join(import.meta.dirname, '../../..');
const restBelow = '# Every other setting, as it is when it is left out. Made by `npm run kelid -- env example`.';

/** `.env.example`: what people decide is written by hand above, and all else that the schemas know follows, with its default. */
export function completeEnvExample(text: string): string {
  const [byHand = ''] = text.split(restBelow);
  const sections: [file: string, schema: z.ZodType][] = [
    ['packages/service/src/host.ts', HostConfig],
    ['services/gateway/src/config.ts', GatewayConfig],
    ...allServices.map(({ contract, config }): [string, z.ZodType] => [
      `services/${contract.name}/src/config.ts`,
      config as z.ZodType,
    ]),
  ];
  const known = new Set([...byHand.matchAll(/^(?:# ?)?([A-Z][A-Z0-9_]+)=/gm)].map(([, name = '']) => name));
  const lines = sections.flatMap(([file, schema]) => {
    const source = readFileSync(join(root, file), 'utf8');
    const fields = schema instanceof z.ZodObject ? Object.entries<z.core.$ZodType>(schema.shape) : [];
    return fields.flatMap(([name, field]) => {
      if (known.has(name)) return [];
      known.add(name);
      const { success, data } = z.safeParse(field, undefined);
      const words = new RegExp(`/\\*\\* ((?:(?!\\*/)[^])*) \\*/\\s+${name}:`)
        .exec(source)?.[1]
        ?.replaceAll(/\s*\n\s+\*\s*/g, ' ');
      const value =
        typeof data === 'number' || typeof data === 'string' ? String(data).replace(root, '/srv/kelid') : '';
      return [...(words ? [`# ${words}`] : []), success ? `# ${name}=${value}` : `${name}=`];
    });
  });
  return `${byHand.trimEnd()}\n\n${restBelow}\n${lines.join('\n')}\n`;
}
