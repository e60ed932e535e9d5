/** What the engine is told about its heap, as far as NODE_OPTIONS does not take it. */
import v8 from "node:v8";

/**
 * Between two collections of everything V8 may let the heap grow by a tenth only, if it has grown slowly so far. But to V8 a TLS connection weighs
 * some 30 KB, though they lie elsewhere: then a crowd has it collect everything once per few hundred that come, and each time everyone waits for 40 ms.
 * Three times what is alive is within what it takes by itself.
 */
export const letHeapGrow = (): void => v8.setFlagsFromString("--heap-growing-percent=200");
