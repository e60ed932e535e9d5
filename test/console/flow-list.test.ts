import { describe, expect, it } from "vitest";
import { FlowList, keyOf, MOST_ROWS, type FlowRow } from "../../src/console/pages/flows/flow-list.ts";

const row = (at: number, change: Partial<FlowRow> = {}): FlowRow =>
  ({
    at,
    id: `id${at}`,
    time: new Date(at * 1000).toISOString(),
    kinds: [],
    identifier: null,
    entries: [{}, {}],
    ...change,
  }) as unknown as FlowRow;

const keys = (list: FlowList): string[] => list.rows.map(keyOf);

describe("the list of flows", () => {
  it("is newest first, in whatever order rows come", () => {
    const list = new FlowList();
    list.add([row(2), row(5)]);
    list.add([row(1), row(3), row(9)]);
    expect(keys(list)).toEqual(["id9", "id5", "id3", "id2", "id1"]);
  });

  it("has each flow once: the end of a request replaces the request under way, and never the other way round", () => {
    const list = new FlowList();
    const open = row(2, { state: "open", entries: [{}] as never });
    const ended = row(2, { state: "ok" });
    list.add([open, row(3)]);
    list.add([ended]);
    list.add([open]);
    expect(list.rows.map(({ state }) => state)).toEqual([undefined, "ok"]);
  });

  it("takes events without an id by their place in the journal", () => {
    const list = new FlowList();
    list.add([row(7, { id: undefined }), row(7, { id: undefined }), row(8, { id: undefined })]);
    expect(keys(list)).toEqual(["#8", "#7"]);
  });

  it("does not move while it is held, but shows how a request ended that is in it", () => {
    const list = new FlowList();
    list.add([row(1, { state: "open", entries: [{}] as never })]);
    list.hold([row(2), row(1, { state: "no-answer" })]);
    list.hold([row(2), row(3)]);
    expect(list.rows.map(({ id, state }) => [id, state])).toEqual([["id1", "no-answer"]]);
    expect(list.waiting).toBe(2);
    list.release();
    expect([keys(list), list.waiting]).toEqual([["id3", "id2", "id1"], 0]);
  });

  it("keeps a limited number of rows and says that the oldest went", () => {
    const list = new FlowList();
    list.add(Array.from({ length: MOST_ROWS }, (_each, at) => row(MOST_ROWS - at)));
    expect(list.isCut).toBe(false);
    list.add([row(MOST_ROWS + 1)]);
    expect([list.rows.length, list.isCut, keys(list).at(-1)]).toEqual([MOST_ROWS, true, "id2"]);
  });
});
