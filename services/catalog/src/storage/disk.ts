import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '@kelid/service/ids';
import type { ObjectStore } from './object-store.ts';

const contentTypes: Record<string, string> = {
  webp: 'image/webp',
  png: 'image/png',
  jpg: 'image/jpeg',
  pdf: 'application/pdf',
};

export function createDiskStore(folder: string): ObjectStore {
  return {
    async put(key, bytes) {
      await mkdir(folder, { recursive: true });
      // A reader never sees half a file: it is written aside and renamed.
      const aside = join(folder, `.${newId()}`);
      await writeFile(aside, bytes);
      await rename(aside, join(folder, key));
    },
    async get(key) {
      try {
        return {
          bytes: await readFile(join(folder, key)),
          contentType: contentTypes[key.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
        };
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
  };
}
