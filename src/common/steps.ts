/** Work over long lists that can be interrupted after each step, so that a server can answer requests in between. */

export type Steps<Result> = Generator<undefined, Result>;

/** Runs all steps without interruption. */
export const finish = <Result>(steps: Steps<Result>): Result => {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
};
