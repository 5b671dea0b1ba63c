import type { Engine } from '../exchange/engine.js';
import type { WriteChanges } from './write-check.js';

/**
 * Tells what a write did, one event for each slot, recipient and agent. Resolves when the entries are
 * stored: nobody is told of a write that the audit log does not have.
 *
 * @param by - Device that wrote.
 */
export async function emitWrite(
  engine: Engine,
  by: { readonly account: string; readonly device: string },
  changes: WriteChanges,
): Promise<void> {
  const { emit } = engine;
  await Promise.all([
    emit({ type: changes.rotated ? 'vault_rotated' : 'vault_written', ...by }),
    ...changes.slotsAdded.map((slot) => emit({ type: 'slot_added', ...by, slot })),
    ...changes.slotsChanged.map((slot) => emit({ type: 'slot_changed', ...by, slot })),
    ...changes.slotsRemoved.map((slot) => emit({ type: 'slot_removed', ...by, slot })),
    ...changes.recipientsAdded.map((recipient) =>
      emit({ type: 'recipient_added', ...by, recipient }),
    ),
    ...changes.recipientsRemoved.map((recipient) =>
      emit({ type: 'recipient_removed', ...by, recipient }),
    ),
    ...changes.agentsAdded.map((agent) => emit({ type: 'agent_added', ...by, agent })),
    ...changes.agentsRemoved.map((agent) => emit({ type: 'agent_removed', ...by, agent })),
  ]);
}
