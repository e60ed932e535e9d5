/** Reads a config file on a thread of its own, once. */
import { parentPort, workerData } from "node:worker_threads";
import { readChecked, type Asked } from "./reading.ts";

parentPort!.postMessage(await readChecked(workerData as Asked));
