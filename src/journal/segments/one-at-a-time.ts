/** What moves or removes segments of a journal works one after the other, whoever began it: else one would bring back what the other has deleted. */
const turns = new Map<string, Promise<unknown>>();

/** `dir`: the journal's. Resolves and rejects as the work does. */
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
