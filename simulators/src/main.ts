import { optionsOf } from './config.ts';
import { startSimulators } from './simulators.ts';

if (process.env['NODE_ENV'] === 'production') throw new Error('The simulators are no part of a production shop');

const simulators = await startSimulators(optionsOf(process.env));
console.log(`simulators: ${simulators.url}`);
let isClosing = false;
async function close(): Promise<void> {
  if (isClosing) return;
  isClosing = true;
  await simulators.close();
  process.exit(0);
}
process.once('SIGTERM', () => void close());
process.once('SIGINT', () => void close());
// A parent that was killed leaves no message: the closed channel is the sign.
process.once('disconnect', () => void close());
