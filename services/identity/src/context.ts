import type { identityContract } from '@kelid/contracts/identity';
import type { BaseContext, OperationsOf } from '@kelid/service/context';
import type { IdentityConfig } from './config.ts';
import type { Secrets } from './domain/secrets.ts';
import type { Signer } from './signing-keys.ts';

export type Context = BaseContext & { config: IdentityConfig; secrets: Secrets; signer: Signer };
export type Operations = OperationsOf<typeof identityContract, Context>;
