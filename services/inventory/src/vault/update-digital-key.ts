import type { Operations } from '../context.ts';
import { showStaffKey } from './staff-keys.ts';
import { moveUnsoldKey } from './move-unsold-key.ts';

export const updateDigitalKey: Operations['updateDigitalKey'] = async (ctx, { keyId, status, reason }) =>
  showStaffKey(await moveUnsoldKey(ctx, keyId, status, reason));
