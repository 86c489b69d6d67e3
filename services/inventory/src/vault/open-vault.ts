import { sql } from 'drizzle-orm';
import type { Db } from '@kelid/service/context';
import type { InventoryConfig } from '../config.ts';
import { Vault } from './vault.rules.ts';

/**
 * Opens the vault, or refuses to start: a wrong secret must not show itself to customers as lost product keys, nor let a product
 * key that is already here in again unseen (F32). What each secret must prove is written when it is first used.
 */
export async function openVault(db: Db, config: InventoryConfig): Promise<Vault> {
  const [previousId, previousKek] = config.INVENTORY_KEK_PREVIOUS?.split(':') ?? [];
  const [indexVersion, indexKey] = config.INVENTORY_BLIND_INDEX_PREVIOUS?.split(':') ?? [];
  const vault = new Vault({
    kek: Buffer.from(config.INVENTORY_KEK, 'base64'),
    kekId: config.INVENTORY_KEK_ID,
    previous: previousId && previousKek ? { kekId: previousId, kek: Buffer.from(previousKek, 'base64') } : undefined,
    blindIndexKey: Buffer.from(config.INVENTORY_BLIND_INDEX_KEY, 'base64'),
    blindIndexVersion: config.INVENTORY_BLIND_INDEX_VERSION,
    previousIndex:
      indexVersion && indexKey ? { version: Number(indexVersion), key: Buffer.from(indexKey, 'base64') } : undefined,
  });
  const proofs = vault.proofs();
  for (const { name, proof } of proofs) {
    await db.execute(sql`insert into vault_checks (kek_id, proof) values (${name}, ${proof}) on conflict do nothing`);
    const { rows } = await db.execute(sql`select 1 from vault_checks where kek_id = ${name} and proof = ${proof}`);
    if (rows.length === 0) throw new Error(`The secret ${name} is not the one that this vault was filled with`);
  }
  const { rows: locked } = await db.execute<{ kek_id: string }>(
    sql`select kek_id from key_batches where kek_id <> all(${sql.param(proofs.map(({ name }) => name))}::text[]) limit 1`,
  );
  if (locked[0])
    throw new Error(`Product keys are still wrapped by ${locked[0].kek_id}: give it as INVENTORY_KEK_PREVIOUS`);
  const known = [vault.blindIndexVersion, vault.previousIndexVersion ?? vault.blindIndexVersion].map(
    (version) => `blind-index-${version}`,
  );
  // Every version that was ever used has its proof; each is looked for by the index, brand by brand.
  const { rows: unknown } = await db.execute<{ version: string }>(sql`
    select old.kek_id as version from vault_checks old, (select distinct brand from key_batches) batch
    where old.kek_id like 'blind-index-%' and old.kek_id <> all(${sql.param(known)}::text[])
      and exists (select from product_keys k where k.brand = batch.brand and k.blind_index_version = substr(old.kek_id, 13)::smallint) limit 1`);
  if (unknown[0])
    throw new Error(
      `Product keys are still indexed by ${unknown[0].version}: give its key as INVENTORY_BLIND_INDEX_PREVIOUS`,
    );
  return vault;
}
