/** The icons that JupyterLab does not have. */
import { LabIcon } from '@jupyterlab/ui-components';

import pin from '../style/icons/pin.svg';
import tool from '../style/icons/tool.svg';

export const toolIcon = new LabIcon({ name: 'tooinstance:tool', svgstr: tool });
export const pinIcon = new LabIcon({ name: 'tooinstance:pin', svgstr: pin });
