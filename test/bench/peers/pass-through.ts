/** A pass-through on Node: what any gateway on this runtime pays at the least. */
import { messageFrom, start } from "../rig/processes.ts";
import { program } from "../rig/rig.ts";
import type { StartPeer } from "./peer.ts";

export const startPassThrough: StartPeer = async ({ cores }, upstream) => {
  const child = start({ command: process.execPath, args: [program("pass-through"), `http://127.0.0.1:${upstream.port}`], core: cores?.peer, ipc: true });
  return { port: await messageFrom<number>(child), child };
};
