/** Where the states of a campaign group and the transitions between them are drawn. Pixels of a view of 360 by 250. */
import type { GroupState } from "../../../admin/schemas/sandbox.ts";

export const VIEW = { width: 360, height: 250 } as const;
export const NODE = { width: 104, height: 36 } as const;

/** The middle of each state. */
export const NODES: Readonly<Record<GroupState, readonly [x: number, y: number]>> = {
  notLoaded: [60, 50],
  active: [300, 50],
  unloadInProgress: [60, 138],
  running: [300, 138],
  waitingUnload: [180, 224],
};

/** `d`: the line, to the tip of its arrow. `at` and `anchor`: its label, which only transitions from the state have. */
export type Edge = {
  readonly d: string;
  readonly at: readonly [x: number, y: number];
  readonly anchor: "start" | "middle" | "end";
};

export type EdgeName = `${GroupState}>${GroupState}`;

export const EDGES: Readonly<Partial<Record<EdgeName, Edge>>> = {
  "notLoaded>active": { d: "M112 44H247", at: [180, 37], anchor: "middle" },
  "notLoaded>running": { d: "M112 60 247 126", at: [186, 84], anchor: "start" },
  "active>notLoaded": { d: "M248 56H113", at: [180, 71], anchor: "middle" },
  "active>active": { d: "M288 32C286 12 314 12 312 31", at: [322, 18], anchor: "start" },
  "active>running": { d: "M292 68V119", at: [284, 97], anchor: "end" },
  "active>waitingUnload": { d: "M256 68C236 110 222 160 203 205", at: [218, 158], anchor: "end" },
  "running>active": { d: "M310 120V69", at: [284, 97], anchor: "end" },
  "running>running": { d: "M300 156C298 178 326 178 324 157", at: [352, 186], anchor: "end" },
  "running>notLoaded": { d: "M248 140 99 69", at: [170, 118], anchor: "end" },
  "running>waitingUnload": { d: "M270 156 227 205", at: [240, 184], anchor: "end" },
  "waitingUnload>unloadInProgress": { d: "M140 206 99 157", at: [104, 188], anchor: "end" },
  "waitingUnload>notLoaded": { d: "M168 206C158 150 136 104 89 69", at: [160, 164], anchor: "start" },
  "unloadInProgress>notLoaded": { d: "M50 120V69", at: [58, 98], anchor: "start" },
};
