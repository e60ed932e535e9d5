/** V8 heap settings that NODE_OPTIONS does not accept. */
import v8 from "node:v8";

/**
 * Lets the heap grow to three times the live data between full collections. By default it may grow by only a tenth
 * after slow growth, and V8 counts about 30 KB of external memory for each TLS connection: with many new connections it
 * would run a full collection of 40 ms for every few hundred.
 */
export const letHeapGrow = (): void => v8.setFlagsFromString("--heap-growing-percent=200");
