import { describe, expect, it, vi } from "vitest";
import { isTimeout, withDeadline, withTimeout } from "../../src/common/timeout.ts";

describe("withTimeout", () => {
  it("settles like work that ends in time", async () => {
    expect(await withTimeout(1000, Promise.resolve(7))).toBe(7);
    await expect(withTimeout(1000, Promise.reject(new Error("no")))).rejects.toThrow("no");
  });

  it("rejects with a TimeoutError that names the part that did not answer", async () => {
    const late = withTimeout(1, new Promise(() => undefined), "loghost");
    await expect(late).rejects.toThrow("no answer from loghost for 1 ms");
    expect(isTimeout(await late.catch((error: unknown) => error))).toBe(true);
    expect(isTimeout(new Error("another"))).toBe(false);
  });
});

describe("withDeadline", () => {
  it("creates its error only after the time limit", async () => {
    const late = vi.fn(() => new Error("too late"));
    expect(await withDeadline(1000, Promise.resolve(7), late)).toBe(7);
    expect(late).not.toHaveBeenCalled();
    await expect(withDeadline(1, new Promise(() => undefined), late)).rejects.toThrow("too late");
    expect(late).toHaveBeenCalledOnce();
  });
});
