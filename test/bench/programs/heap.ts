/**
 * Loaded before the gateway, with --expose-gc: on each message it collects garbage and tells the bytes that are still
 * in use.
 */
const collect = (globalThis as unknown as { gc: () => void }).gc;

process.on("message", () => {
  // What the first collection makes unreachable, the second one frees.
  collect();
  setImmediate(() => {
    collect();
    const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
    process.send!({ heapUsed, external, arrayBuffers, rss });
  });
});
// The channel alone keeps nobody alive.
process.channel!.unref();
