/**
 * A proof in a process of its own, so that requests are not slowed: with the lowest priority, and limits of memory, CPU
 * time and time.
 */
import { fork, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import type { Work } from "../../admin/jobs/jobs.ts";
import type { ProofReport } from "../../admin/api/evidence/isolation-proofs.ts";
import type { ProofAsked, ProofMessage } from "./messages.ts";
import type { ProofPlan } from "./plan.ts";

const PROGRAM = new URL("./proof-program.ts", import.meta.url);
/** Requests are served first. */
const LOWEST = 19;
const MOST_HEAP_MIB = 384;
const LONGEST_MS = 600_000;
/** Of what the process wrote before it failed. */
const MOST_STDERR = 2000;

type Options = {
  /** Where temporary files go if the folder for temporary files of the system cannot be written. */
  readonly otherwise: string;
  readonly onPercent: (percent: number) => void;
  readonly program?: URL;
};

/** `result` rejects when the proof cannot be made, and after `cancel`. */
export const startProofProcess = (plan: ProofPlan, options: Options): Work<ProofReport> => {
  const ended = Promise.withResolvers<ProofReport>();
  let child: ChildProcess | undefined;
  let isCancelled = false;
  const gone = (async () => {
    const folder = await temporaryFolder(options.otherwise);
    try {
      if (isCancelled) throw new Error("cancelled before it started");
      child = start(options.program ?? PROGRAM);
      ended.resolve(await reportOf(child, { plan, folder }, options.onPercent));
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    }
  })();
  gone.catch((error: unknown) => ended.reject(isCancelled ? new Error("the proof was cancelled") : error));
  return {
    result: ended.promise,
    cancel: async () => {
      isCancelled = true;
      child?.kill("SIGKILL");
      await gone.catch(() => undefined);
    },
  };
};

/** A journal on the disk of the gateway's own would slow it, so the system's folder comes first. */
const temporaryFolder = async (otherwise: string): Promise<string> => {
  try {
    return await mkdtemp(join(tmpdir(), PREFIX));
  } catch {
    await mkdir(otherwise, { recursive: true, mode: 0o700 });
    return mkdtemp(join(otherwise, PREFIX));
  }
};

const PREFIX = "ocsgw-proof-";

/** Of the environment it gets what Node needs, and no secret. */
const start = (program: URL): ChildProcess => {
  const { PATH, TMPDIR, TZ, NODE_COMPILE_CACHE } = process.env;
  const child = fork(program, [], {
    env: Object.fromEntries(
      Object.entries({ PATH, TMPDIR, TZ, NODE_COMPILE_CACHE, OCSGW_LOG: "silent" }).filter(
        ([, value]) => value !== undefined,
      ),
    ),
    execArgv: [`--max-old-space-size=${MOST_HEAP_MIB}`, "--disable-warning=ExperimentalWarning"],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  try {
    // At once, so that all its threads get it.
    if (child.pid !== undefined) setPriority(child.pid, LOWEST);
  } catch {
    // A system call filter can forbid it: then the limits remain.
  }
  return child;
};

const reportOf = async (
  child: ChildProcess,
  asked: ProofAsked,
  onPercent: (percent: number) => void,
): Promise<ProofReport> => {
  const ended = Promise.withResolvers<ProofReport>();
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString("utf8")).slice(-MOST_STDERR)));
  child.once("error", (error) => ended.reject(error));
  child.once("exit", (code, signal) => {
    const how = signal ? `was ended by ${signal}` : `ended with ${code}`;
    ended.reject(new Error(`the process of the proof ${how}${said === "" ? "" : `: ${said.trim()}`}`));
  });
  child.on("message", (message) => {
    const told = message as ProofMessage;
    if (told.kind === "progress") onPercent(told.percent);
    else if (told.kind === "done") ended.resolve(told.report);
    else ended.reject(new Error(told.reason));
  });
  const timer = setTimeout(() => {
    ended.reject(new Error(`it took longer than ${LONGEST_MS / 60_000} minutes`));
  }, LONGEST_MS);
  child.send(asked, (error) => error && ended.reject(error));
  try {
    return await ended.promise;
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
    await exited;
  }
};
