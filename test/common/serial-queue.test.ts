import { describe, expect, it } from "vitest";
import { SerialQueue } from "../../src/common/serial-queue.ts";

describe("a serial queue", () => {
  it("runs one task at a time, in the order in which they were added", async () => {
    const queue = new SerialQueue();
    const seen: string[] = [];
    const first = Promise.withResolvers<void>();
    const all = [
      queue.run(async () => {
        seen.push("first begins");
        await first.promise;
        seen.push("first ends");
      }),
      queue.run(() => void seen.push("second")),
    ];
    await Promise.resolve();
    expect(seen).toEqual(["first begins"]);
    first.resolve();
    await Promise.all(all);
    expect(seen).toEqual(["first begins", "first ends", "second"]);
  });

  it("settles like the task, and runs the next task even after a failure", async () => {
    const queue = new SerialQueue();
    const failed = queue.run(() => Promise.reject(new Error("no")));
    const done = queue.run(() => 7);
    await expect(failed).rejects.toThrow("no");
    expect(await done).toBe(7);
  });

  it("is idle when all tasks have ended, failed or not", async () => {
    const queue = new SerialQueue();
    let ended = 0;
    const work = async (): Promise<never> => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      ended++;
      throw new Error("no");
    };
    for (let count = 0; count < 3; count++) void queue.run(work).catch(() => undefined);
    await queue.idle();
    expect(ended).toBe(3);
  });
});
