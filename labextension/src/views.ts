/** All that is drawn in one piece, which is loaded only once something of it is wanted; see `later`. */
export { CreateForm } from './create/form';
export { RunForm } from './form/form';
export { Bar } from './renderer/bar';
export { RunView } from './run/view';
export { Header } from './sidebar/header';
export { Sections } from './sidebar/sections';
export { ToolView } from './tool/view';
