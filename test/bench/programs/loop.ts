/**
 * Loaded before the gateway: tells the longest turn of the event loop of the thread that serves, as CPU of that thread
 * and as delay. CPU, because on a busy machine a delay is mostly that of the other processes.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

/** The threads of the gateway load it too. */
if (isMainThread) {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  let [longest, last] = [0, process.threadCpuUsage()];
  setInterval(() => {
    const now = process.threadCpuUsage();
    longest = Math.max(longest, now.user + now.system - last.user - last.system);
    last = now;
  }, 1).unref();
  process.on("message", () => {
    process.send!({ cpuMs: longest / 1000, delayMs: delays.max / 1e6 });
    longest = 0;
    delays.reset();
  });
  delays.enable();
  // The channel alone keeps nobody alive.
  process.channel!.unref();
}
