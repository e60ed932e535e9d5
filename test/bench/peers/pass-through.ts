/** A pass-through on Node: what any gateway on this runtime pays at the least. */
import { messageFrom, start } from "../rig/processes.ts";
import { program } from "../rig/rig.ts";
import { caOf, type StartPeer } from "./peer.ts";

export const startPassThrough: StartPeer = async ({ cores, certificates }, upstream) => {
  const { ca, cert, key } = certificates;
  const address = `127.0.0.1:${upstream.port}`;
  const options = upstream.tls ? [`https://${address}`, ca, cert, key] : [`http://${address}`];
  const args = [program("pass-through"), ...options];
  const child = start({ command: process.execPath, args, core: cores?.peer, ipc: true });
  return { port: await messageFrom<number>(child), child, ...caOf(certificates, upstream) };
};
