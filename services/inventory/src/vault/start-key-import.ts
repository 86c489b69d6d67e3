import type { Operations } from '../context.ts';
import { openImport, showImport } from './import-steps.ts';

export const startKeyImport: Operations['startKeyImport'] = async (ctx, input) =>
  showImport(await openImport(ctx, input));
