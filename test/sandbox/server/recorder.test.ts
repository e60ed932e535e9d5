import { describe, expect, it } from "vitest";
import { createRecorder, type RecordedRequest } from "../../../src/sandbox/server/recorder.ts";

const aRequest = (target: string): RecordedRequest => ({
  time: "",
  instance: "primary",
  connection: 1,
  method: "GET",
  target,
  headers: [],
  body: "",
  status: 200,
  faults: [],
});

describe("the recorder", () => {
  it("keeps only the last requests", () => {
    const recorder = createRecorder(2);
    for (const target of ["/a", "/b", "/c"]) recorder.saw(aRequest(target));
    expect(recorder.requests().map(({ target }) => target)).toEqual(["/b", "/c"]);
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
