/** Work over long lists that can be interrupted after each step, so that whoever serves requests can do it in slices. */

export type Steps<Result> = Generator<undefined, Result>;

/** All of it at once. */
export const finish = <Result>(steps: Steps<Result>): Result => {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
};
