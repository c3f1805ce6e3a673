/** The methods that the parser of node:http takes: with any other a request never gets to the app. */
export { METHODS } from 'node:http';
