import { describe, expect, it } from "vitest";
import { createRecorder, type ReadRequest } from "../../../src/sandbox/server/recorder.ts";

const aRequest = (target: string): ReadRequest => ({
  time: "",
  instance: "primary",
  connection: 1,
  method: "GET",
  target,
  headers: [],
  body: "",
});
const OK = { status: 200, faults: [] };

describe("the recorder", () => {
  it("keeps only the last requests", () => {
    const recorder = createRecorder(2);
    for (const target of ["/a", "/b", "/c"]) recorder.arrived(aRequest(target))(OK);
    expect(recorder.requests().map(({ target }) => target)).toEqual(["/b", "/c"]);
  });

  it("lists a request as pending until it has its outcome, with the number that it keeps", () => {
    const recorder = createRecorder();
    const ended = ["/a", "/b"].map((target) => recorder.arrived(aRequest(target)));
    ended[1]!({ status: null, faults: ["f1"] });
    expect(recorder.pending()).toEqual([{ ...aRequest("/a"), number: 1 }]);
    expect(recorder.requests()).toEqual([{ ...aRequest("/b"), number: 2, status: null, faults: ["f1"] }]);
    ended[0]!(OK);
    expect([recorder.pending(), recorder.requests().map(({ number }) => number)]).toEqual([[], [2, 1]]);
  });

  it("drops the oldest closed connections beyond its capacity, and never an open one", () => {
    const recorder = createRecorder(2);
    const logs = [1, 2, 3, 4].map(() => recorder.open("primary"));
    for (const index of [1, 0, 2]) logs[index]!.closed();
    expect(recorder.connections().map(({ number, open }) => [number, open])).toEqual([
      [3, false],
      [4, true],
    ]);
    expect(recorder.counters().primary.connections).toEqual({ total: 4, open: 1 });
  });

  it("counts per instance and per connection, and restarts at zero", () => {
    const recorder = createRecorder();
    const log = recorder.open("backup");
    log.request();
    log.violation();
    const counted = { requests: 1, violations: 1, maxInFlight: 2 };
    expect(recorder.counters().backup).toEqual({ connections: { total: 1, open: 1 }, ...counted });
    expect(recorder.counters().primary.requests).toBe(0);
    expect(recorder.connections()).toEqual([{ number: 1, instance: "backup", open: true, ...counted }]);
    recorder.reset();
    expect(recorder.counters().backup).toEqual({
      connections: { total: 0, open: 1 },
      requests: 0,
      violations: 0,
      maxInFlight: 0,
    });
  });
});
