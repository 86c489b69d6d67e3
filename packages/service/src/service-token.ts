import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { Role } from '@kelid/contracts/contract';
import type { Actor } from './context.ts';

const Claims = z.object({
  actor: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('guest'), cartToken: z.string().optional() }),
    z.object({
      kind: z.literal('user'),
      userId: z.string(),
      sessionId: z.string(),
      roles: z.array(Role),
      cartToken: z.string().optional(),
    }),
    z.object({ kind: z.literal('service'), name: z.string() }),
  ]),
  origin: z.object({ ip: z.string(), userAgent: z.string() }),
});
export type ServiceClaims = { actor: Actor; origin: { ip: string; userAgent: string } };

/**
 * The identity that travels between processes: who calls, for whom, to which service, for 30 seconds. It is signed with a
 * secret that only the shop's own processes hold; no header that a caller could set means anything beside it.
 */
export async function signServiceToken(secret: Uint8Array, audience: string, claims: ServiceClaims): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'svc+jwt' })
    .setIssuer('kelid-service')
    .setAudience(audience)
    .setExpirationTime('30s')
    .sign(secret);
}

/** Throws when the token is not ours, not for this service, or over. */
export async function verifyServiceToken(secret: Uint8Array, audience: string, token: string): Promise<ServiceClaims> {
  const { payload } = await jwtVerify(token, secret, {
    algorithms: ['HS256'],
    typ: 'svc+jwt',
    issuer: 'kelid-service',
    audience,
    clockTolerance: 5,
    requiredClaims: ['exp'],
  });
  return Claims.parse(payload);
}
