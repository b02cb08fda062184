"""Extrait libelles_activite.parquet ; la provenance et les limites sont dans SOURCE.md."""

import json
import re
import sys
import unicodedata
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from ssphub_book.extraction import ExtractionError, npm_package, run

PAQUET = "@openstreetmap/id-tagging-schema"
VERSION = "6.19.2"
EMPREINTE = "c8d410007593ce458f7d38381458f20bf73412f7e2c2c075c147a7f916e95555"
# Le codage fait pour ce livre : l'objet, son code NAF, puis les autres codes qu'il admet.
CODES = """
craft agricultural_engines 33.12Z; basket_maker 16.29Z; beekeeper 01.49Z; blacksmith 25.50A 25.99B
craft boatbuilder 30.12Z 30.11Z; bookbinder 18.14Z; brewery 11.05Z; carpenter 43.32A 43.91A
craft carpet_layer 43.33Z; caterer 56.21Z; chimney_sweeper 81.22Z; cleaning 81.21Z 81.22Z
craft clockmaker 95.25Z 47.77Z; confectionery 10.82Z 47.24Z; distillery 11.01Z; dressmaker 14.13Z 14.12Z
craft electrician 43.21A; electronics_repair 95.21Z; floorer 43.33Z; gardener 81.30Z; glaziery 43.34Z
craft hvac 43.22B; insulator 43.29A 71.12B; joiner 43.32A 16.23Z; key_cutter 95.29Z; locksmith 43.32B
craft metal_construction 25.11Z; painter 43.34Z; parquet_layer 43.33Z; photographer 74.20Z
craft photographic_laboratory 74.20Z; plasterer 43.31Z; plumber 43.22A; pottery 23.41Z; roofer 43.91B
craft saddler 15.12Z; sailmaker 13.92Z; sawmill 16.10A; scaffolder 43.99D 43.99E; sculptor 90.03A
craft shoemaker 95.23Z 15.20Z; signmaker 32.99Z 27.40Z; stonemason 23.70Z; tailor 14.13Z 14.12Z
craft tiler 43.33Z; upholsterer 95.24Z 31.09B; window_construction 16.23Z 25.12Z 22.23Z
craft winery 11.02B 01.21Z
office accountant 69.20Z; adoption_agency 88.99A 88.99B; advertising_agency 73.11Z; architect 71.11Z
office association 94.99Z; charity 88.99B 94.99Z; consulting 70.22Z; coworking 82.11Z 68.20B
office diplomatic/consulate 84.21Z; diplomatic/embassy 84.21Z; educational_institution 85.59A
office employment_agency 78.10Z 78.20Z 84.13Z; energy_supplier 35.14Z 35.23Z; engineer 71.12B
office estate_agent 68.31Z; financial 64.99Z 66.19B; financial_advisor 66.19B 66.30Z
office forestry 84.13Z 02.40Z; foundation 94.99Z; government 84.11Z; government/prosecutor 84.23Z
office government/register_office 84.11Z; government/tax 84.11Z; graphic_design 74.10Z
office guide 93.19Z 79.90Z; insurance 66.22Z 65.12Z; it 62.02A 62.02B 62.01Z; lawyer 69.10Z
office moving_company 49.42Z; newspaper 58.13Z; ngo 94.99Z; notary 69.10Z; political_party 94.92Z
office private_investigator 80.30Z; property_management 68.20A 68.20B 68.32A; quango 84.11Z 84.13Z
office religion 94.91Z; research 72.19Z 72.20Z; security 80.10Z; surveyor 71.12A
office tax_advisor 69.20Z 69.10Z; telecommunication 61.10Z 61.20Z; translator 74.30Z
office travel_agent 79.11Z; union 94.20Z; water_utility 36.00Z
shop agrarian 47.76Z 46.61Z 46.21Z; alcohol 47.25Z; anime 47.61Z; antiques 47.79Z; appliance 47.54Z
shop art 47.78C; bag 47.72B; bakery 10.71C 47.24Z; bathroom_furnishing 47.52A 47.52B 47.59B
shop beauty 96.02B; beauty/nails 96.02B; beauty/tanning 96.02B 96.04Z; bed 47.59A; beverages 47.25Z
shop bicycle 47.64Z; boat 47.64Z; bookmaker 92.00Z; books 47.61Z; boutique 47.71Z; butcher 47.22Z
shop camera 47.78A; candles 47.78C 47.59B; car 45.11Z; car/second_hand 45.11Z; car_parts 45.32Z
shop car_repair 45.20A; caravan 45.19Z 45.11Z; carpet 47.53Z; catalogue 47.91A 47.91B; charity 47.79Z
shop cheese 47.29Z; chemist 47.52A 47.75Z 47.78C; chocolate 10.82Z 47.24Z; clothes 47.71Z
shop clothes/second_hand 47.79Z; clothes/suits 47.71Z; clothes/underwear 47.71Z; clothes/wedding 47.71Z
shop clothes/workwear 47.71Z; coffee 47.29Z; collector 47.78C 47.79Z; computer 47.41Z
shop confectionery 47.24Z 10.82Z; convenience 47.11B 47.11C; copyshop 82.19Z; cosmetics 47.75Z
shop craft 47.78C 47.65Z; curtain 47.53Z 47.51Z; dairy 47.29Z; deli 47.29Z 47.11B
shop department_store 47.19A; doityourself 47.52B 47.52A; doors 47.52B 47.52A; dry_cleaning 96.01B
shop e-cigarette 47.26Z 47.78C; electrical 47.54Z 47.59B 47.52A; electronics 47.54Z 47.43Z; erotic 47.78C
shop fabric 47.51Z; farm 47.21Z 47.29Z 47.11B; fashion 47.71Z; fashion_accessories 47.71Z 47.72B
shop fireplace 47.59B 47.78C; fishing 47.64Z; flooring 47.53Z 47.52B; florist 47.76Z
shop frame 47.78C 47.59B; frozen_food 47.11A; fuel 47.30Z 47.78B; funeral_directors 96.03Z
shop furniture 47.59A; games 47.65Z; garden_centre 47.76Z; gas 47.78B; general 47.11B 47.19B 47.11C
shop gift 47.78C; gold_buyer 47.77Z 47.79Z; greengrocer 47.21Z; groundskeeping 47.76Z 47.52B
shop hairdresser 96.02A; hairdresser/barber 96.02A; hairdresser_supply 47.75Z 46.45Z
shop hardware 47.52A 47.52B; health_food 47.29Z; hearing_aids 47.74Z; herbalist 47.29Z 47.73Z 47.75Z
shop hifi 47.43Z; honey 47.29Z; household_linen 47.51Z; houseware 47.59B; hunting 47.64Z 47.78C
shop interior_decoration 47.59B; jewelry 47.77Z; kiosk 47.62Z 47.11B; kitchen 47.59A; laundry 96.01B
shop laundry/self_service 96.01B; leather 47.72B 15.12Z; lighting 47.59B; lottery 92.00Z; massage 96.04Z
shop medical_supply 47.74Z; military_surplus 47.79Z 47.71Z; mobile_phone 47.42Z
shop mobile_phone_accessories 47.42Z; model 47.65Z; money_lender 64.92Z; motorcycle 45.40Z
shop motorcycle_repair 45.40Z; music 47.63Z; musical_instrument 47.59B; newsagent 47.62Z
shop nutrition_supplements 47.29Z; nuts 47.29Z 47.21Z; optician 47.78A; outdoor 47.64Z
shop paint 47.52A 47.52B; party 47.78C 47.65Z; pasta 47.29Z 10.73Z; pastry 10.71D 47.24Z
shop pawnbroker 64.92Z; perfumery 47.75Z; pet 47.76Z; pet_grooming 96.09Z; photo 47.78A 74.20Z
shop piercing 96.09Z; pottery 47.59B 47.78C; printer_ink 47.41Z 47.62Z; pyrotechnics 47.78C
shop radiotechnics 47.43Z 47.41Z 46.52Z; religion 47.78C; rental 77.29Z; rice 47.29Z; scuba_diving 47.64Z
shop seafood 47.23Z; second_hand 47.79Z; sewing 47.51Z; shoes 47.72A; spices 47.29Z; sports 47.64Z
shop stationery 47.62Z; storage_rental 52.10B 68.20B; supermarket 47.11D; supermarket/organic 47.11D 47.29Z
shop swimming_pool 47.64Z 47.52B 47.78C; tattoo 96.09Z; tea 47.29Z; telecommunication 47.42Z 61.20Z
shop ticket 79.90Z; tiles 47.52B 47.52A 47.53Z; tobacco 47.26Z; tool_hire 77.29Z 77.32Z; toys 47.65Z
shop trade 46.90Z; trophy 47.78C 47.64Z; tyres 45.32Z; vacuum_cleaner 47.54Z; variety_store 47.19B
shop video 77.22Z; video_games 47.65Z 47.41Z 77.22Z; watches 47.77Z; water 47.25Z 47.29Z
shop water_sports 47.64Z; weapons 47.78C 47.64Z; wholesale 46.90Z; wigs 47.75Z 47.78C
shop window_blind 47.53Z 47.59B 47.52B; wine 47.25Z
healthcare alternative 86.90F; alternative/acupuncture 86.90F 86.21Z; alternative/ayurveda 86.90F 96.09Z
healthcare alternative/chiropractic 86.90E 86.90F; alternative/homeopathy 86.21Z 86.22C
healthcare alternative/naturopathy 86.90F 96.09Z; alternative/osteopathy 86.90E 86.90F
healthcare alternative/traditional_chinese_medicine 86.90F 86.21Z; audiologist 86.90E 47.74Z
healthcare birthing_center 86.10Z; blood_donation 86.90C; dentist/orthodontics 86.23Z
healthcare hospice 86.10Z 87.10A; laboratory 86.90B; midwife 86.90D; occupational_therapist 86.90E
healthcare optometrist 47.78A 86.90E; physiotherapist 86.90E; podiatrist 86.90E
healthcare psychotherapist 86.90F 86.22C; rehabilitation 86.10Z; sample_collection 86.90B
healthcare speech_therapist 86.90E
amenity animal_boarding 96.09Z; animal_breeding 01.49Z 01.50Z; arts_centre 90.04Z; bank 64.19Z; bar 56.30Z
amenity bicycle_rental 77.21Z; boat_rental 77.21Z 77.34Z; bureau_de_change 66.12Z 66.19B
amenity bus_station 52.21Z; cafe 56.30Z; car_rental 77.11A; car_sharing 77.11A; car_wash 45.20A
amenity casino 92.00Z; childcare 88.91A; cinema 59.14Z; conference_centre 82.30Z 68.20B; courthouse 84.23Z
amenity crematorium 96.03Z; dentist 86.23Z; dive_centre 85.51Z 93.12Z 93.19Z; doctors 86.21Z 86.22C
amenity dojo 93.11Z 93.12Z 85.51Z; exhibition_centre 82.30Z; fast_food 56.10C; ferry_terminal 52.22Z
amenity fire_station 84.25Z; fuel 47.30Z; gambling 92.00Z; hookah_lounge 56.30Z; hospital 86.10Z
amenity ice_cream 10.52Z 47.24Z 47.29Z 56.10C; internet_cafe 61.90Z 56.30Z; karaoke_box 93.29Z 56.30Z
amenity library 91.01Z; monastery 94.91Z; money_transfer 66.19B 64.19Z; mortuary 96.03Z
amenity motorcycle_rental 77.39Z 77.21Z; nightclub 56.30Z 93.29Z; nursing_home 87.10A 87.10B 87.10C
amenity pharmacy 47.73Z; place_of_worship 94.91Z; planetarium 91.02Z 93.29Z; police 84.24Z
amenity post_depot 53.10Z; post_office 53.10Z; prison 84.23Z; pub 56.30Z; public_bath 96.04Z
amenity research_institute 72.19Z 72.20Z; restaurant 56.10A; social_centre 88.99B; theatre 90.04Z 90.01Z
amenity townhall 84.11Z; toy_library 93.29Z 91.01Z; vehicle_inspection 71.20A; veterinary 75.00Z
amenity veterinary_pharmacy 47.73Z; waste_transfer_station 38.11Z 38.21Z 38.32Z
leisure amusement_arcade 93.29Z 92.00Z; beach_resort 93.29Z; bowling_alley 93.11Z 93.29Z
leisure dance 85.52Z 93.29Z; escape_game 93.29Z; fitness_centre 93.13Z; golf_course 93.11Z
leisure horse_riding 93.12Z 85.51Z 01.43Z 93.19Z; ice_rink 93.11Z; indoor_play 93.29Z; marina 93.29Z 52.22Z
leisure miniature_golf 93.29Z; nature_reserve 91.04Z; resort 93.29Z; sauna 96.04Z; sports_centre 93.11Z
leisure sports_hall 93.11Z; stadium 93.11Z; summer_camp 55.20Z; swimming_pool 93.11Z
leisure trampoline_park 93.29Z; water_park 93.21Z 93.11Z
education dancing_school 85.52Z; driving_school 85.53Z; language_school 85.59B 85.59A; music_school 85.52Z
education prep_school 85.42Z 85.59B
club scout 94.99Z; sport 93.12Z
tourism alpine_hut 55.20Z; apartment 55.20Z; aquarium 91.04Z; camp_site 55.30Z; caravan_site 55.30Z
tourism chalet 55.20Z; gallery 47.78C; guest_house 55.20Z; hostel 55.20Z; hotel 55.10Z; motel 55.10Z
tourism museum 91.02Z; information/office 79.90Z; theme_park 93.21Z; zoo 91.04Z; zoo/wildlife 91.04Z
landuse aquaculture 03.21Z 03.22Z; aquaculture/fish 03.22Z 03.21Z; cemetery 96.03Z; landfill 38.21Z
landuse plant_nursery 01.30Z; quarry 08.11Z 08.12Z; industrial/slaughterhouse 10.11Z
landuse industrial/scrap_yard 38.31Z 45.32Z; salt_pond 08.93Z; vineyard 01.21Z; orchard 01.24Z 01.25Z
landuse olive_grove 01.26Z; forest 02.20Z 02.10Z
power plant/source/coal 35.11Z; plant/source/nuclear 35.11Z; plant/source/hydro 35.11Z
power plant/source/solar 35.11Z; plant/source/wind 35.11Z; plant/source/waste 38.21Z 35.11Z
man_made works/brewery 11.05Z; wastewater_plant 37.00Z; water_works 36.00Z; petroleum_well 06.10Z
aeroway aerodrome 52.23Z
"""


def lire_codes() -> dict[str, list[str]]:
    codes = {}
    for ligne in CODES.strip().splitlines():
        famille, reste = ligne.split(" ", 1)
        for article in reste.split(";"):
            objet, *postes = article.split()
            codes[f"{famille}/{objet}"] = postes
    return codes


def propre(texte: str) -> str:
    """Le libellé sans ses parenthèses ni espace superflue, l'apostrophe ordinaire."""
    sans_precision = re.sub(r"\([^)]*\)", " ", texte.replace("\u2019", "'"))
    return " ".join(sans_precision.split())


def cle(texte: str) -> str:
    """Ce qui reste d'un libellé sans casse ni accent : deux libellés de même clé n'en font qu'un."""
    lettres = unicodedata.normalize("NFKD", texte.lower().replace("œ", "oe"))
    return re.sub(r"[^a-z0-9]+", " ", lettres.encode("ascii", "ignore").decode()).strip()


def extraire() -> pd.DataFrame:
    with npm_package(PAQUET, VERSION, EMPREINTE) as dossier:
        contenu = json.loads((dossier / "dist/translations/fr.json").read_text("utf-8"))
    objets = contenu["fr"]["presets"]["presets"]
    codes = lire_codes()
    absents = sorted(set(codes) - {objet for objet in objets if objets[objet].get("name")})
    if absents:
        raise ExtractionError(f"Objets codés sans libellé français : {absents}.")
    lignes = []
    for objet, (code, *autres) in codes.items():
        libelle = propre(objets[objet]["name"])
        synonymes = {}
        for terme in re.split(r"[,;]", objets[objet].get("terms", "")):
            if cle(terme) not in ("", cle(libelle)):
                synonymes.setdefault(cle(terme), propre(terme))
        ligne = {"objet": objet, "libelle": libelle, "code": code, "autres_codes": " ".join(autres) or None}
        lignes.append(ligne | {"synonymes": "|".join(synonymes.values()) or None})
    table = pd.DataFrame(lignes)
    return table[~table["libelle"].map(cle).duplicated()].sort_values("objet")


if __name__ == "__main__":
    run(extraire, __file__)
