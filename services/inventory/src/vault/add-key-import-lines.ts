import type { Operations } from '../context.ts';
import { addLines, getImport, showImport } from './import-steps.ts';

export const addKeyImportLines: Operations['addKeyImportLines'] = async (ctx, { importId, firstLine, lines }) => {
  await addLines(ctx, await getImport(ctx, importId), firstLine, lines);
  return showImport(await getImport(ctx, importId));
};
