/** The messages between the gateway and the thread of a job. */

/** Start data of a thread. `paused`: one 32-bit integer; 1 pauses the job. */
export type JobData<Asked> = { readonly asked: Asked; readonly paused: SharedArrayBuffer };

export type JobMessage<Result> =
  | { readonly kind: "progress"; readonly entries: number }
  | { readonly kind: "done"; readonly result: Result }
  /** `name`: of the error's class, for errors that callers tell apart. */
  | { readonly kind: "failed"; readonly name: string; readonly reason: string };
