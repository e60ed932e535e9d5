import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { Crowd } from "../../src/edge/crowd.ts";

const from = (remoteAddress: string): Socket =>
  Object.assign(new EventEmitter(), { remoteAddress }) as unknown as Socket;

describe("a crowd", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.2", false],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.2", false],
    ["2001:db8::1", "2001:db8::ffff:2", true],
    ["2001:db8:0:1::1", "2001:db8:0:2::1", false],
  ])("takes %s and %s for one source: %s", (one, other, same) => {
    const crowd = new Crowd({ max: 10, maxPerSource: 2 });
    const first = from(one);
    expect([crowd.enter(first, one), crowd.enter(from(one), one)]).toEqual([undefined, undefined]);
    expect(crowd.enter(from(other), other)).toBe(same ? "maxPerSource" : undefined);
    first.emit("close");
    expect(crowd.enter(from(other), other)).toBeUndefined();
  });
});
