/** Sending large bodies so that one sees how far it is; `fetch` does not tell. */

/**
 * Return a `fetch` that sends a form with the headers of the request, and tells how far it is.
 *
 * @param onSent - called with the part that has been sent (0 to 1).
 */
export function fetchTelling(
  form: FormData,
  onSent: (part: number) => void
): (request: Request) => Promise<Response> {
  return ({ method, url, headers }) =>
    new Promise((resolve, reject) => {
      const sending = new XMLHttpRequest();
      sending.open(method, url);
      sending.withCredentials = true;
      for (const [name, value] of headers) {
        // it names the boundary, which is another one here
        if (name !== 'content-type') {
          sending.setRequestHeader(name, value);
        }
      }
      sending.upload.onprogress = ({ loaded, total }) => {
        onSent(total > 0 ? loaded / total : 1);
      };
      sending.onload = () => {
        const { status, statusText, responseText } = sending;
        resolve(new Response(responseText, { status, statusText }));
      };
      sending.onerror = () => {
        reject(new TypeError('Failed to fetch'));
      };
      sending.send(form);
    });
}
