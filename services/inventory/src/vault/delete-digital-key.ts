import type { Operations } from '../context.ts';
import { moveUnsoldKey } from './move-unsold-key.ts';

export const deleteDigitalKey: Operations['deleteDigitalKey'] = async (ctx, { keyId }) => {
  await moveUnsoldKey(ctx, keyId, 'void', 'deleted by staff');
  return undefined;
};
