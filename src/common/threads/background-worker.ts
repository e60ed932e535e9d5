/** Worker threads that do not keep the process alive. */
import type { Worker } from "node:worker_threads";

/**
 * Listens to a thread's messages. The process may end while the thread runs. Adding a listener of messages makes a
 * thread keep the process alive again, so `unref` comes after it.
 */
export const listenInBackground = <Message>(worker: Worker, onMessage: (message: Message) => void): void => {
  worker.on("message", onMessage);
  worker.unref();
};
