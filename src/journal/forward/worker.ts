/** The thread that forwards entries: one forwarder for each destination. */
import { parentPort, workerData } from "node:worker_threads";
import { lowerPriority } from "../../common/threads/thread-priority.ts";
import type { Destination } from "./destination.ts";
import { Forwarder } from "./forwarder.ts";
import type { Command, ThreadData, ThreadNews } from "./messages.ts";

const NICENESS = 5;

lowerPriority(NICENESS);

const { dir, version, destinations, size: first } = workerData as ThreadData;
const post = (news: ThreadNews): void => parentPort!.postMessage(news);

type Running = { readonly forwarder: Forwarder; readonly over: Promise<void> };

const running = new Map<string, Running>();
let size = first;

const begin = (destination: Destination, after: Promise<void> | undefined): void => {
  const forwarder = new Forwarder({ dir, version, destination, size, onNews: post });
  // A destination that was removed and added again has one forwarder at a time: both keep the same position.
  const over = Promise.resolve(after).then(() => forwarder.run());
  running.set(destination.name, { forwarder, over });
};

const ended = new Map<string, Promise<void>>();

const change = (all: readonly Destination[]): void => {
  const names = new Set(all.map(({ name }) => name));
  for (const [name, { forwarder, over }] of running) {
    if (names.has(name)) continue;
    forwarder.end();
    ended.set(name, over);
    running.delete(name);
  }
  for (const destination of all) {
    const known = running.get(destination.name)?.forwarder;
    if (known) known.destination = destination;
    else begin(destination, ended.get(destination.name));
  }
};

const read = (now: number): void => {
  size = now;
  for (const { forwarder } of running.values()) forwarder.size = now;
};

const stop = async (now: number): Promise<void> => {
  read(now);
  for (const { forwarder } of running.values()) forwarder.stop();
  await Promise.all([...[...running.values()].map(({ over }) => over), ...ended.values()]);
  post({ kind: "stopped" });
};

parentPort!.on("message", (command: Command) => {
  if (command.do === "read") read(command.size);
  else if (command.do === "change") change(command.destinations);
  else void stop(command.size);
});

change(destinations);
