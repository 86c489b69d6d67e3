/**
 * Named places where a test kills the process, as `FAILPOINTS=orders.after-placing:2` (at the second passing), or armed later by a
 * message of the parent that set FAILPOINTS. With NODE_ENV=production the list is empty whatever the environment says.
 */
const armed = new Map<string, number>();
if (process.env['NODE_ENV'] !== 'production' && process.env['FAILPOINTS'] !== undefined) {
  arm(process.env['FAILPOINTS']);
  process.on('message', (message) => {
    if (typeof message === 'object' && message !== null && 'failpoints' in message) arm(String(message.failpoints));
  });
}

/** This list takes the place of the one before: an empty one ends it. */
function arm(list: string): void {
  armed.clear();
  for (const entry of list.split(',').filter(Boolean)) {
    const [name = '', passing = '1'] = entry.split(':');
    armed.set(name, Number(passing));
  }
}

/** Dies here with SIGKILL when this point is armed and its count has come; otherwise costs one look into an empty map. */
export function failpoint(name: string): void {
  const left = armed.get(name);
  if (left === undefined) return;
  if (left > 1) {
    armed.set(name, left - 1);
    return;
  }
  process.kill(process.pid, 'SIGKILL');
}
