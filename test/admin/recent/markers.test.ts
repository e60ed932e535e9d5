import { describe, expect, it } from "vitest";
import type { Entry } from "../../../src/journal/entry.ts";
import { Markers, MOST_SWITCHOVERS } from "../../../src/admin/recent/markers.ts";

const switchover = (epoch: number, upstream = "ocs") =>
  ({ kind: "switchover", upstream, from: "http://a", to: "http://b", epoch, reason: "all connections ended" }) as const;

describe("markers", () => {
  it("are listed from a time on, the oldest first", () => {
    let now = 1000;
    const markers = new Markers(() => now);
    markers.note({ kind: "start", version: "1.2.3", config_hash: "c0ffee" });
    now = 2000;
    markers.note({ kind: "config", config_hash: "7c1e", outcome: "reloaded" });
    now = 3000;
    markers.note(switchover(2));
    expect(markers.from(2000).map(({ kind, time }) => [kind, time])).toEqual([
      ["config", 2000],
      ["switchover", 3000],
    ]);
  });

  it("keep the last switchovers of each upstream, however many other events follow", () => {
    const markers = new Markers();
    markers.note(switchover(7, "quiet"), 1);
    for (let epoch = 2; epoch < 300; epoch++) markers.note(switchover(epoch));
    expect(markers.switchovers("ocs").map(({ epoch }) => epoch)).toEqual(
      Array.from({ length: MOST_SWITCHOVERS }, (_, index) => 299 - index),
    );
    expect(markers.switchovers("quiet").map(({ epoch }) => epoch)).toEqual([7]);
    expect(markers.from(0)[0]).toEqual({ ...switchover(7, "quiet"), time: 1 });
    expect(markers.from(0)).toHaveLength(201);
  });
});

describe("entries of the journal", () => {
  const taken = (entry: Entry): unknown => {
    const markers = new Markers();
    markers.take(entry, 1_700_000_000_000_000);
    return markers.from(0);
  };
  const hash = { config_hash: "7c1e" };
  const time = 1_700_000_000_000;

  it.each<[Entry, object | undefined]>([
    [
      { kind: "start", version: "1.2.3", pid: 1, ...hash },
      { kind: "start", version: "1.2.3", ...hash },
    ],
    [
      { kind: "start", version: "1.2.3", pid: 1 },
      { kind: "start", version: "1.2.3", config_hash: null },
    ],
    [
      { kind: "config", change: "reloaded", ...hash },
      { kind: "config", outcome: "reloaded", ...hash },
    ],
    [
      { kind: "config", change: "refused", ...hash },
      { kind: "config", outcome: "refused", ...hash },
    ],
    [{ kind: "config", change: "loaded", ...hash }, undefined],
    [{ kind: "config", change: "revoked", ...hash }, undefined],
    [
      { kind: "switchover", upstream: "ocs", from: null, to: "http://b", epoch: 2 },
      { kind: "switchover", upstream: "ocs", from: null, to: "http://b", epoch: 2, reason: null },
    ],
    [{ kind: "stop", reason: "asked to stop" }, undefined],
  ])("%j become %j", (entry, marker) => {
    expect(taken(entry)).toEqual(marker === undefined ? [] : [{ ...marker, time }]);
  });

  it("of a config change do not keep the sentences about it, which may name any tenant", () => {
    const entry: Entry = { kind: "config", change: "reloaded", changes: ["tenant Beta Tenant was removed"], ...hash };
    expect(JSON.stringify(taken(entry))).not.toContain("Beta");
  });
});
