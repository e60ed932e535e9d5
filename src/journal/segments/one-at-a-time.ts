/**
 * Work that moves or removes a journal's segments runs one at a time: otherwise one task could restore what another has
 * deleted.
 */
const turns = new Map<string, Promise<unknown>>();

/** `dir`: the journal's directory. Resolves and rejects as `work` does. */
export const oneAtATime = <Result>(dir: string, work: () => Promise<Result>): Promise<Result> => {
  const done = (turns.get(dir) ?? Promise.resolve()).then(work);
  const turn = done
    .then(
      () => undefined,
      () => undefined,
    )
    .then(() => {
      if (turns.get(dir) === turn) turns.delete(dir);
    });
  turns.set(dir, turn);
  return done;
};
