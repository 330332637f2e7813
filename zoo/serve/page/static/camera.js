// A picture from the camera: live where the browser allows it, else what a phone offers for a file.

import { Fault } from "./api.js";
import { text } from "./texts.js";

const $ = (id) => document.getElementById(id);

/** Opens the camera; gives the picture taken, as a file, to `ontaken`, and what goes wrong to `onfault`. */
export async function takePicture(ontaken, onfault) {
  const phone = matchMedia("(pointer: coarse)").matches;
  // Browsers give no live picture to pages that did not come over https or from this machine.
  if (phone || !navigator.mediaDevices?.getUserMedia) return $("shot").click();
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, facingMode: "environment" } });
  } catch {
    return onfault(new Fault(0, text("error.camera"), text("error.camera.more")));
  }
  const [dialog, video] = [$("camera"), $("video")];
  video.srcObject = stream;
  const end = () => {
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };
  dialog.addEventListener("close", end, { once: true });
  $("camera-cancel").onclick = () => dialog.close();
  $("camera-take").onclick = async () => {
    const still = document.createElement("canvas");
    Object.assign(still, { width: video.videoWidth, height: video.videoHeight });
    still.getContext("2d").drawImage(video, 0, 0);
    dialog.close();
    const blob = await new Promise((done) => still.toBlob(done, "image/jpeg", 0.95));
    if (blob) ontaken(new File([blob], `${text("camera_name")}.jpg`, { type: blob.type }));
  };
  dialog.showModal();
  return video.play();
}
