/** The process of a proof: with a limit of CPU time, and no longer than its gateway. */
import { rmSync } from "node:fs";
import { faultInWords } from "../../common/system-error.ts";
import type { ProofAsked, ProofMessage } from "./messages.ts";
import { prove } from "./prove.ts";

const MOST_CPU_MS = 180_000;
const CHECK_MS = 1000;

const say = (message: ProofMessage): Promise<void> => new Promise((resolve) => process.send!(message, () => resolve()));

const run = async ({ plan, folder }: ProofAsked): Promise<void> => {
  process.removeAllListeners("disconnect").once("disconnect", () => {
    // The gateway is gone, which would have deleted it.
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    process.exit();
  });
  let said = -1;
  const onPercent = (percent: number): void => {
    if (percent === said) return;
    said = percent;
    void say({ kind: "progress", percent });
  };
  try {
    await say({ kind: "done", report: await prove(plan, { folder, onPercent }) });
  } catch (error) {
    await say({ kind: "failed", reason: faultInWords(error) });
  }
  process.exit();
};

setInterval(() => {
  const { user, system } = process.cpuUsage();
  if (user + system < MOST_CPU_MS * 1000) return;
  void say({ kind: "failed", reason: `it used more than ${MOST_CPU_MS / 1000} s of CPU time` }).then(() =>
    process.exit(),
  );
}, CHECK_MS).unref();
process.once("disconnect", () => process.exit());
process.once("message", (asked) => void run(asked as ProofAsked));
