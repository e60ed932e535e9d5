/**
 * A field in a process of its own, so that its memory and its descriptors are its alone. Writes its addresses, and
 * how their connections fared when asked. Ends when its parent goes.
 */
import { letHeapGrow } from "../../src/cli/process/heap.ts";
import { aField } from "./test-gateway.ts";
import { countLives } from "./connection-lifetimes.ts";

letHeapGrow();
const field = await aField();
const lives = countLives();
process.on("message", (port) => process.send!(lives(port as number)));
process.once("disconnect", () => void field.close().then(() => process.exit(0)));
process.send!({ ports: field.ports, ca: field.ca });
