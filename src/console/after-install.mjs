/** What `npm ci` does once the packages are there. */
import "../cli/say-node.js";
import { buildConsole } from "./build.mjs";

await buildConsole();
