/** The thread that answers questions about the config, one after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { publishFileCalls, type FileCallBuffer } from "../../../common/small-file/file-call.ts";
import { countIn, type Cell } from "../../../common/small-file/hanging.ts";
import { answerTo, NoAnswer } from "./answers.ts";
import type { Job, Result } from "./messages.ts";

const port = parentPort!;
const { fileCallBuffer, cell } = workerData as { readonly fileCallBuffer: FileCallBuffer; readonly cell: Cell };
publishFileCalls(fileCallBuffer);
countIn(cell);

port.on("message", (job: Job) => {
  void answerTo(job).then(
    (answer) => port.postMessage({ answer } satisfies Result),
    (error: unknown) => {
      if (!(error instanceof NoAnswer)) throw error;
      port.postMessage({ failed: error.message } satisfies Result);
    },
  );
});
