"""Small recordings for the readers of Neo, written as their formats say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

SAMPLES = np.array([[1, -2], [300, 4], [5, -600], [7, 8]], "<i2")


def brainvision(folder: Path) -> Path:
    """Header, markers and data, as of Brain Products' Core Data Format 1.0."""
    (folder / "rec.eeg").write_bytes(SAMPLES.tobytes())
    (folder / "rec.vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\n"
        "DataFile=rec.eeg\n\n[Marker Infos]\nMk1=Stimulus,S  1,2,1,0\n"
    )
    header = folder / "rec.vhdr"
    header.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\nDataFile=rec.eeg\n"
        "MarkerFile=rec.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\nNumberOfChannels=2\n"
        "SamplingInterval=1000\n\n[Binary Infos]\nBinaryFormat=INT_16\n\n[Channel Infos]\n"
        "Ch1=Fp1,,0.5,µV\nCh2=Fp2,,0.5,µV\n",
        "utf-8",
    )
    return header


def raw_binary(folder: Path) -> Path:
    path = folder / "rec.raw"
    path.write_bytes(SAMPLES.tobytes())
    return path


def neuroscope(folder: Path) -> Path:
    """Data with a header in XML beside them."""
    (folder / "rec.dat").write_bytes(SAMPLES.tobytes())
    path = folder / "rec.xml"
    path.write_text(
        "<parameters><acquisitionSystem><nBits>16</nBits><nChannels>2</nChannels>"
        "<samplingRate>1000</samplingRate><voltageRange>20</voltageRange>"
        "<amplification>1000</amplification><offset>0</offset></acquisitionSystem>"
        "<fieldPotentials><lfpSamplingRate>1000</lfpSamplingRate></fieldPotentials>"
        "<anatomicalDescription><channelGroups><group><channel>0</channel><channel>1</channel>"
        "</group></channelGroups></anatomicalDescription></parameters>"
    )
    return path


def nest(folder: Path) -> Path:
    """Spikes of NEST 2: sender and time in ms."""
    path = folder / "rec.gdf"
    path.write_text("1\t0.5\n2\t1.25\n1\t3.0\n")
    return path


def ascii_signal(folder: Path) -> Path:
    path = folder / "rec.txt"
    np.savetxt(path, SAMPLES.astype(float), fmt="%g", delimiter="\t")
    return path


def ascii_spikes(folder: Path) -> Path:
    path = folder / "trains.txt"
    path.write_text("0.5\t1.5\n2.25\n")
    return path


def scaled(gain: float) -> npt.NDArray[np.float32]:
    return (SAMPLES.astype("f4") * np.float32(gain)).astype("f4")
