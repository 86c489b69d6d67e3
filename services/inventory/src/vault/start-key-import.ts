import type { Operations } from '../context.ts';
import { openImport, showImport } from './key-imports.ts';

export const startKeyImport: Operations['startKeyImport'] = async (ctx, input) =>
  showImport(await openImport(ctx, input));
