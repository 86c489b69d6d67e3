import type { Operations } from '../context.ts';
import { getImport, showImport } from './import-steps.ts';

export const getKeyImport: Operations['getKeyImport'] = async (ctx, { importId }) =>
  showImport(await getImport(ctx, importId));
