"""Prints `src/portico/sustainability/grid.json`: carbon of electricity, and where clouds are.

    python tools/grid_factors.py --data DIR > src/portico/sustainability/grid.json

DIR holds a year of measured carbon intensity of three grids as `fr_ci.csv`, `gb_ci.csv` and
`ger_ci.csv` (https://github.com/dos-group/lets-wait-awhile). Means are ecologits' (ADEME, Our World
in Data), those within the United States Cloud Carbon Footprint's (EPA eGRID). What the hours of a
year range over, 5 % to 95 %, is measured for three grids; of the others it is the widest of these.
"""

import argparse
import csv
import json
import statistics
from importlib.metadata import version
from pathlib import Path
from typing import Final

from ecologits.electricity_mix_repository import electricity_mixes

DATE: Final = "2026-11-23"
"""When the tables below were written down."""
MEASURED: Final = {"FRA": "fr_ci.csv", "GBR": "gb_ci.csv", "DEU": "ger_ci.csv"}
PARTS: Final = {"USA-SERC": 379.069, "USA-RFC": 410.608, "USA-WECC": 322.167}
"""Grams a kilowatt-hour in North American reliability regions."""
PARTS_SOURCE: Final = "https://www.cloudcarbonfootprint.org/docs/methodology (EPA eGRID)"
RANGE_SOURCE: Final = "hours of 2020 by github.com/dos-group/lets-wait-awhile"
AWS: Final = {
    "us-east-1": "USA-SERC", "us-east-2": "USA-RFC", "us-west-1": "USA-WECC",
    "us-west-2": "USA-WECC", "us-gov-east-1": "USA-RFC", "us-gov-west-1": "USA-WECC",
    "ca-central-1": "CAN", "ca-west-1": "CAN", "mx-central-1": "MEX", "sa-east-1": "BRA",
    "eu-central-1": "DEU", "eu-central-2": "CHE", "eu-west-1": "IRL", "eu-west-2": "GBR",
    "eu-west-3": "FRA", "eu-north-1": "SWE", "eu-south-1": "ITA", "eu-south-2": "ESP",
    "il-central-1": "ISR", "me-south-1": "BHR", "me-central-1": "ARE", "af-south-1": "ZAF",
    "ap-south-1": "IND", "ap-south-2": "IND", "ap-east-1": "HKG", "ap-east-2": "TWN",
    "ap-northeast-1": "JPN", "ap-northeast-2": "KOR", "ap-northeast-3": "JPN",
    "ap-southeast-1": "SGP", "ap-southeast-2": "AUS", "ap-southeast-3": "IDN",
    "ap-southeast-4": "AUS", "ap-southeast-5": "MYS", "ap-southeast-6": "NZL",
    "ap-southeast-7": "THA", "cn-north-1": "CHN", "cn-northwest-1": "CHN",
}  # fmt: skip
"""https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html"""
AZURE: Final = {
    "eastus": "USA-SERC", "eastus2": "USA-SERC", "westus": "USA-WECC", "westus2": "USA-WECC",
    "westus3": "USA-WECC", "canadacentral": "CAN", "canadaeast": "CAN", "brazilsouth": "BRA",
    "northeurope": "IRL", "westeurope": "NLD", "uksouth": "GBR", "ukwest": "GBR",
    "francecentral": "FRA", "germanywestcentral": "DEU", "switzerlandnorth": "CHE",
    "swedencentral": "SWE", "norwayeast": "NOR", "polandcentral": "POL", "italynorth": "ITA",
    "spaincentral": "ESP", "japaneast": "JPN", "japanwest": "JPN", "koreacentral": "KOR",
    "southeastasia": "SGP", "eastasia": "HKG", "centralindia": "IND", "southindia": "IND",
    "australiaeast": "AUS", "southafricanorth": "ZAF", "uaenorth": "ARE",
}  # fmt: skip
"""https://learn.microsoft.com/azure/reliability/regions-list"""
GOOGLE: Final = {
    "us-central1": "USA", "us-east1": "USA-SERC", "us-east4": "USA-SERC", "us-east5": "USA-RFC",
    "us-west1": "USA-WECC", "us-west2": "USA-WECC", "us-west4": "USA-WECC",
    "northamerica-northeast1": "CAN", "southamerica-east1": "BRA", "europe-west1": "BEL",
    "europe-west2": "GBR", "europe-west3": "DEU", "europe-west4": "NLD", "europe-west6": "CHE",
    "europe-west8": "ITA", "europe-west9": "FRA", "europe-southwest1": "ESP",
    "europe-north1": "FIN", "europe-central2": "POL", "asia-east1": "TWN", "asia-east2": "HKG",
    "asia-northeast1": "JPN", "asia-northeast3": "KOR", "asia-south1": "IND",
    "asia-southeast1": "SGP", "australia-southeast1": "AUS",
}  # fmt: skip
"""https://cloud.google.com/compute/docs/regions-zones"""
GEOGRAPHIES: Final = {
    "us": ["us-east-1", "us-east-2", "us-west-1", "us-west-2"],
    "us-gov": ["us-gov-east-1", "us-gov-west-1"],
    "eu": ["eu-central-1", "eu-west-1", "eu-west-3", "eu-north-1", "eu-south-1", "eu-south-2"],
    "apac": ["ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"],
    "jp": ["ap-northeast-1", "ap-northeast-3"],
    "au": ["ap-southeast-2", "ap-southeast-4"],
    "ca": ["ca-central-1", "ca-west-1"],
    "in": ["ap-south-1", "ap-south-2"],
}
"""https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html"""


def hours(path: Path) -> tuple[float, float]:
    """What a year's hours range over, 5 % to 95 %, as shares of its mean."""
    with path.open() as file:
        values = [float(row["Carbon Intensity"]) for row in csv.DictReader(file)]
    cuts, mean = statistics.quantiles(values, n=20), statistics.fmean(values)
    return cuts[0] / mean, cuts[-1] / mean


def zone(mean: float, span: tuple[float, float], source: str) -> dict[str, object]:
    return {
        "mean": round(mean, 1), "low": round(mean * span[0], 1), "high": round(mean * span[1], 1),
        "source": f"{source}; {RANGE_SOURCE}", "date": DATE,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    data: Path = parser.parse_args().data
    spans = {name: hours(data / file) for name, file in MEASURED.items()}
    widest = (min(low for low, _ in spans.values()), max(high for _, high in spans.values()))
    regions = AWS | AZURE | GOOGLE
    spans_of = {name: sorted({AWS[region] for region in of}) for name, of in GEOGRAPHIES.items()}
    source = f"ecologits {version('ecologits')}"
    zones = {
        mix.zone: zone(mix.gwp * 1000, spans.get(mix.zone, widest), source)
        for mix in sorted(electricity_mixes.list_electricity_mixes(), key=lambda each: each.zone)
    }
    zones |= {name: zone(mean, widest, PARTS_SOURCE) for name, mean in PARTS.items()}
    missing = set(regions.values()) - zones.keys()
    if missing:
        raise SystemExit(f"no factor for {', '.join(sorted(missing))}")
    spans_of["global"] = sorted({AWS[region] for of in GEOGRAPHIES.values() for region in of})
    kept = {*regions.values(), "WOR", "USA", "CHN"}
    rows = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(zones[name])}" for name in sorted(kept & zones.keys())
    )
    print(f'{{"zones": {{\n{rows}\n}},\n"regions": {json.dumps(regions)},')
    print(f'"geographies": {json.dumps(spans_of)}}}')


if __name__ == "__main__":
    main()
