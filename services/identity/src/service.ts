import { join } from 'node:path';
import { identityContract } from '@kelid/contracts/identity';
import { defineService } from '@kelid/service/define-service';
import { watchInvariants } from '@kelid/service/watch-invariants';
import { IdentityConfig } from './config.ts';
import { createSecrets } from './domain/secrets.ts';
import { createSigner, ensureSigningKey } from './signing-keys.ts';
import { dropOldRows, rotateSigningKeys } from './jobs/tidy.ts';
import { checkSession } from './operations/check-session.ts';
import { claimStaffView } from './operations/claim-staff-view.ts';
import { createWsTicket } from './operations/create-ws-ticket.ts';
import { deleteSession } from './operations/delete-session.ts';
import { ensureUser } from './operations/ensure-user.ts';
import { getJwks } from './operations/get-jwks.ts';
import { getUser } from './operations/get-user.ts';
import { listRevocations } from './operations/list-revocations.ts';
import { listSessions } from './operations/list-sessions.ts';
import { logout } from './operations/logout.ts';
import { logoutAll } from './operations/logout-all.ts';
import { recordViewedCustomers } from './operations/record-viewed-customers.ts';
import { redeemWsTicket } from './operations/redeem-ws-ticket.ts';
import { refreshSession } from './operations/refresh-session.ts';
import { requestOtp } from './operations/request-otp.ts';
import { setUserRoles } from './operations/set-user-roles.ts';
import { setUserStatus } from './operations/set-user-status.ts';
import { verifyOtp } from './operations/verify-otp.ts';
import { listAccountBreaches } from './operations/list-account-breaches.ts';
import { settleAccountBreach } from './operations/settle-account-breach.ts';
import type { Context } from './context.ts';

const migrationsFolder = join(import.meta.dirname, 'db/migrations');

export const identityService = defineService({
  contract: identityContract,
  peers: ['notifications'],
  migrationsFolder,
  config: IdentityConfig,
  async createParts(config, start) {
    const secrets = createSecrets(config.IDENTITY_SECRET);
    const ctx = start.contextOf();
    await ensureSigningKey(ctx, secrets);
    return { config, secrets, signer: createSigner(ctx.db, secrets) };
  },
  operations: {
    listAccountBreaches,
    settleAccountBreach,
    requestOtp,
    verifyOtp,
    refreshSession,
    logout,
    logoutAll,
    listSessions,
    deleteSession,
    createWsTicket,
    setUserStatus,
    setUserRoles,
    ensureUser,
    getUser,
    getJwks,
    listRevocations,
    checkSession,
    claimStaffView,
    recordViewedCustomers,
    redeemWsTicket,
  },
  events: {},
  sweeps: [
    watchInvariants<Context>(migrationsFolder),
    { name: 'rotate-signing-keys', everyMs: 3_600_000, run: rotateSigningKeys },
    { name: 'drop-old-rows', everyMs: 600_000, run: dropOldRows },
  ],
});
