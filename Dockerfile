# minifaces serve: docker run --init --read-only --tmpfs /tmp -p 127.0.0.1:8000:8000 minifaces
FROM python:3.13-slim AS build
COPY . /src
RUN python -m venv /opt/minifaces && /opt/minifaces/bin/pip install --no-cache-dir -c /src/constraints.txt /src

FROM python:3.13-slim
COPY --from=build /opt/minifaces /opt/minifaces
RUN useradd --system --no-create-home minifaces
USER minifaces
ENV PATH=/opt/minifaces/bin:$PATH PYTHONDONTWRITEBYTECODE=1
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=5)"]
CMD ["minifaces", "serve", "--host", "0.0.0.0", "--port", "8000"]
