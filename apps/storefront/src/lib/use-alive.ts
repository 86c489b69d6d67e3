import { useSyncExternalStore } from 'react';

const never = () => () => undefined;

/** False in the page as it was sent, true once its scripts run: what is tapped before that would be lost. */
export function useAlive(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
}
