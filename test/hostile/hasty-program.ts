/**
 * Clients that come for a handshake and leave with it: to a port, so many a second, for so many seconds, from fifty
 * addresses. Prints how many came and were greeted.
 */
import { connect } from "node:tls";

const ADDRESSES = 50;
const TICK_MS = 10;

const [port, perSecond, seconds] = process.argv.slice(2).map(Number) as [number, number, number];
let [came, greeted] = [0, 0];

const come = (): void => {
  const options = {
    port,
    host: "127.0.0.1",
    localAddress: `127.0.3.${(came++ % ADDRESSES) + 1}`,
    rejectUnauthorized: false,
  };
  const socket = connect(options);
  socket.on("error", () => undefined).once("secureConnect", () => (greeted++, socket.destroy()));
};

const began = performance.now();
const timer = setInterval(() => {
  const lasted = Math.min((performance.now() - began) / 1000, seconds);
  while (came < lasted * perSecond) come();
  if (lasted === seconds) clearInterval(timer);
}, TICK_MS);
process.once("exit", () => console.log(JSON.stringify({ came, greeted })));
