/** The module that generated code imports, by its place relative to the folder of generated code. */
export const messageModule = './../codec/message.js';
