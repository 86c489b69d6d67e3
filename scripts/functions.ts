import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { functionsBeside } from '../packages/service/src/sql-functions.ts';

// Gives the SQL functions of each service that were changed their next version.
for (const migrationsFolder of globSync('services/*/src/db/migrations')) {
  const functions = functionsBeside(migrationsFolder);
  if (!functions || functions.hash === functions.hashOfVersion) continue;
  const file = join(migrationsFolder, '../functions/version.json');
  writeFileSync(file, `${JSON.stringify({ version: functions.version + 1, hash: functions.hash }, undefined, 2)}\n`);
  console.log(`${file}: version ${functions.version + 1}`);
}
